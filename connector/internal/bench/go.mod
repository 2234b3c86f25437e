module github.com/receiveconnector/receiveconnector/connector/internal/bench

go 1.25

require (
	github.com/gaissmai/bart v0.30.0
	github.com/receiveconnector/receiveconnector v0.0.0
	github.com/stretchr/testify v1.12.1
	github.com/yl2chen/cidranger v1.0.2
	go4.org/netipx v0.0.0-20260823151212-3075585bcbeb
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect

replace github.com/receiveconnector/receiveconnector => ../../..
