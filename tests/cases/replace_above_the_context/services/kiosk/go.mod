module example.com/platform/kiosk

go 1.26

require example.com/platform/greet v0.0.0

replace example.com/platform/greet => ../../libs/greet
