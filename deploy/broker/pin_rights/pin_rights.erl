%% What RabbitMQ's permissions cannot express. They know names, and not whether a queue or an exchange is meant:
%% a user who may declare queues `reply.portal.…` could declare exchanges of such names too, and one who may
%% publish to `pin.commands` may bind other exchanges to it. Of a message's routing keys they look at the first
%% alone, not at those in the headers CC and BCC. And who may use the default exchange reaches every queue. Who may
%% read the queue `pin.dead` could bind queues to the exchange of that name. So:
%% - only an administrator declares, deletes, binds or unbinds an exchange, or has a queue pass its dead letters on;
%% - nobody else binds a queue to anything but the events;
%% - nobody else publishes by more than one routing key;
%% - by the default exchange replies go out and nothing else, but for who may publish in another's name.
%%
%% A channel interceptor of RabbitMQ 3.10 to 4.x, for AMQP 0-9-1: other protocols pass it by, and none is enabled.
%% Methods and contents are the records of rabbit.hrl and rabbit_framing.hrl, here as plain tuples, so that it
%% compiles without RabbitMQ's headers.
-module(pin_rights).
-behaviour(rabbit_channel_interceptor).
-export([description/0, init/1, applies_to/0, intercept/3]).

-rabbit_boot_step({?MODULE,
                   [{description, "what permissions cannot express"},
                    {mfa, {rabbit_registry, register, [channel_interceptor, <<"pin_rights">>, ?MODULE]}},
                    {cleanup, {rabbit_registry, unregister, [channel_interceptor, <<"pin_rights">>]}},
                    {requires, rabbit_registry},
                    {enables, recovery}]}).

description() ->
    [{description, <<"What permissions cannot express">>}].

init(Channel) ->
    {user, Name, Tags, _Backends} = rabbit_channel:get_user(Channel),
    {Name, Tags}.

applies_to() ->
    ['basic.publish', 'queue.bind', 'queue.declare', 'exchange.declare', 'exchange.delete', 'exchange.bind', 'exchange.unbind'].

intercept(Method, Content, {Name, Tags}) ->
    Kind = element(1, Method),
    case lists:member(Kind, applies_to()) andalso not lists:member(administrator, Tags) of
        true -> judged(Kind, Method, Content, Name, Tags);
        false -> {Method, Content}
    end.

judged('basic.publish', Method, Content, Name, Tags) ->
    %% Decoded here, the channel need not do it again.
    Decoded = rabbit_binary_parser:ensure_content_decoded(Content),
    case {has_more_keys(Decoded), goes_anywhere(Method) andalso not lists:member(impersonator, Tags)} of
        {true, _} -> refused('basic.publish', Name, "by more than one routing key");
        {_, true} -> refused('basic.publish', Name, "by the default exchange, to what is no queue for replies");
        _ -> {Method, Decoded}
    end;
%% Ticket, queue, exchange, ….
judged('queue.bind', Method, Content, Name, _Tags) ->
    case element(4, Method) of
        <<"pin.events">> -> {Method, Content};
        _ -> refused('queue.bind', Name, "to anything but the events")
    end;
judged(Kind, Method, Content, Name, _Tags) ->
    case changes_exchanges(Kind, Method) of
        true -> refused(Kind, Name, "as only an administrator changes exchanges");
        false -> {Method, Content}
    end.

has_more_keys(Content) ->
    Headers = element(4, element(3, Content)),
    is_list(Headers) andalso
        lists:any(fun(Header) -> lists:member(element(1, Header), [<<"CC">>, <<"BCC">>]) end, Headers).

%% Ticket, exchange, routing key, ….
goes_anywhere(Method) ->
    element(3, Method) =:= <<>> andalso not is_for_replies(element(4, Method)).

is_for_replies(<<"reply.", _/binary>>) -> true;
is_for_replies(<<"amq.gen-", _/binary>>) -> true;
is_for_replies(<<"amq.rabbitmq.reply-to.", _/binary>>) -> true;
is_for_replies(_) -> false.

%% Ticket, exchange, type, passive, …: a passive one only asks whether the exchange is there.
changes_exchanges('exchange.declare', Method) -> not element(5, Method);
%% Ticket, queue, passive, durable, exclusive, auto-delete, no-wait, arguments.
changes_exchanges('queue.declare', Method) -> lists:keymember(<<"x-dead-letter-exchange">>, 1, element(9, Method));
changes_exchanges(_, _) -> true.

refused(Kind, Name, Why) ->
    rabbit_misc:amqp_error(access_refused, "~s refused for user '~s': ~s", [Kind, Name, Why], Kind).
