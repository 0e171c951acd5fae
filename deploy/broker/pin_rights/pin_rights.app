{application, pin_rights,
 [{description, "What RabbitMQ's permissions cannot express"},
  {vsn, "1.0.0"},
  {modules, [pin_rights]},
  {registered, []},
  {applications, [kernel, stdlib, rabbit_common, rabbit]}]}.
