module example.com/crier

go 1.26
