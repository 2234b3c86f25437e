module github.com/receiveconnector/receiveconnector/connector/internal/bench

go 1.25

require (
	github.com/gaissmai/bart v0.30.0
	github.com/receiveconnector/receiveconnector v0.0.0
	github.com/yl2chen/cidranger v1.0.2
	go4.org/netipx v0.0.0-20260823151212-3075585bcbeb
)

replace github.com/receiveconnector/receiveconnector => ../../..
