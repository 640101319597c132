#!/bin/sh
# Makes .venv with devctl (editable), compose and the development tools. Does nothing when pyproject.toml is as it was.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
venv=.venv
stamp=$venv/.setup

fail() {
    echo "setup: $1" >&2
    exit 1
}

if cmp -s pyproject.toml "$stamp" && "$venv/bin/python" -c 'import devctl' 2>/dev/null; then
    exit 0
fi

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "needs Python 3.11 or newer as '$python'; name another one: make setup PYTHON=python3.12"

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian and Ubuntu keep venv in a package of its own, named by the Python's minor.
    minor=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
        fail "this Python has no venv; install it first: sudo apt-get install python$minor-venv"
    echo "setup: installing python$minor-venv"
    apt-get -q update >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "python$minor-venv" >/dev/null
fi

# An unfinished or broken environment is made anew; a good one is brought up to date.
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$venv"
echo "setup: installing devctl and its tools into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[dev,compose]'
"$venv/bin/python" -m compileall -q devctl
cp pyproject.toml "$stamp"
