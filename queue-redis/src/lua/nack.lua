local reason, after, count = ARGV[2], tonumber(ARGV[3]), 0
for number, fence in each_delivery(ARGV[1]) do
  local job = standing(number, fence)
  if job then
    take(number, job)
    redis.call('HDEL', state_of(number), 'fence')
    redis.call('HSET', state_of(number), 'reason', reason)
    if after > 0 then
      redis.call('ZADD', DELAYED, text(now + after), number)
    else
      make_ready(number, job)
    end
    count = count + 1
  end
end
hint()
return count
