module example.com/casket

go 1.26
