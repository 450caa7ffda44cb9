local ends, count, seen = text(now + tonumber(ARGV[2])), 0, {}
for number, fence in each_delivery(ARGV[1]) do
  local job = not seen[number] and standing(number, fence)
  if job then
    take(number, job)
    redis.call('ZADD', HELD, ends, number)
    seen[number] = true
    count = count + 1
  end
end
return count
