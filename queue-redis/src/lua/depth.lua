local upto = text(now)
local due = redis.call('ZCOUNT', DELAYED, '-inf', upto)
local run_out = redis.call('ZCOUNT', HELD, '-inf', upto)
return {
  redis.call('ZCARD', READY) + due + run_out,
  redis.call('ZCARD', DELAYED) - due,
  redis.call('ZCARD', HELD) - run_out,
  tonumber(redis.call('HGET', META, 'done') or 0),
  redis.call('ZCARD', DEAD),
}
