local count = 0
for number, fence in each_delivery(ARGV[1]) do
  local job = standing(number, fence)
  if job then
    take(number, job)
    drop(number)
    leave(job)
    count = count + 1
  end
end
if count > 0 then redis.call('HINCRBY', META, 'done', count) end
hint()
return count
