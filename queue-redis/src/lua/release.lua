local count = 0
for number, fence in each_delivery(ARGV[1]) do
  local job = standing(number, fence)
  if job then
    take(number, job)
    redis.call('HDEL', state_of(number), 'fence')
    redis.call('HINCRBY', state_of(number), 'deliveries', -1)
    make_ready(number, job)
    count = count + 1
  end
end
hint()
return count
