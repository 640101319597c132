package greet

func Line() string { return "kiosk sells one" }
