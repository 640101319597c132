module example.com/bunker

go 1.26
