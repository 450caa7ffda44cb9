local reason, count = ARGV[2], 0
for number, fence in each_delivery(ARGV[1]) do
  local job = standing(number, fence)
  if job then
    take(number, job)
    redis.call('HDEL', state_of(number), 'fence')
    redis.call('HSET', state_of(number), 'reason', reason)
    redis.call('ZADD', DEAD, number, number)
    leave(job, 1)
    count = count + 1
  end
end
hint()
return count
