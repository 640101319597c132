module example.com/warren

go 1.26

require example.org/greet v0.1.0

replace example.org/greet => ./third_party/greet
