module example.com/acorn

go 1.26
