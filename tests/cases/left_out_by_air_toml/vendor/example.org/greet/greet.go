package greet

func Word() string { return "one" }
