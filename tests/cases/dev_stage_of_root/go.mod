module example.com/finch

go 1.26
