module example.com/satchel

go 1.26
