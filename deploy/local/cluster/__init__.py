"""A cluster on one machine: three RabbitMQ nodes, a Postgres primary and its standby, each on a host."""
