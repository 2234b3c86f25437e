module example.com/mailflow

go 1.25

require github.com/receiveconnector/receiveconnector v0.0.0

require go4.org/netipx v0.0.0-20260823151212-3075585bcbeb // indirect

replace github.com/receiveconnector/receiveconnector => ../..
