"""The ratios of rows before they were made faster, on the page that `make bench` had written by then."""

BEFORE = {
    "2,000 Go files read": 0.56,
    "dev → prod, switch_ms": 1.28,
    "dev → prod, the whole command": 2.7,  # that page left out the start of the process; 2.7 to 3.0 with it
    "doctor, every check": 0.39,
    "fresh container → first answer": 1.36,
    "git clone → first response, by hand": 0.95,
    "git clone → first response": 1.02,
    "go.mod saved → served, built before": 1.06,
    "go.mod saved → served": 0.88,
    "idle watcher, CPU in 20 s": 0.50,
    "production image after an edit": 0.06,
    "save → served, a large service": 0.45,
    "save → served, beside wgo": 0.62,
    "save → served, the floor": 1.10,
    "save → served": 0.32,
    "up with nothing to do, ten services": 1.74,
    "up with nothing to do": 2.09,
    "onboard again, image and caches here": 1.78,
}
