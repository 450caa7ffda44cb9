local is_of_job, job, most, lease, most_bytes =
  ARGV[1] == '1', ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

-- Leases that have run out and delays that have passed. Their messages are ready, in the order of their numbers. No more of
-- them than a page at a time: a script runs alone on the server.
local has_moved = false
for _, set in ipairs({ HELD, DELAYED }) do
  for _, number in ipairs(redis.call('ZRANGEBYSCORE', set, '-inf', text(now), 'LIMIT', 0, PAGE)) do
    redis.call('ZREM', set, number)
    local owner = redis.call('HGET', state_of(number), 'job')
    if owner then make_ready(number, owner) end
    has_moved = true
  end
end

local claims, bytes = {}, 0
local fence = math.max(now, tonumber(redis.call('HGET', META, 'fence') or 0))
for _, number in ipairs(redis.call('ZRANGE', is_of_job and ready_of(job) or READY, 0, most - 1)) do
  local owner, key, body = read(number)
  if not owner then
    if #claims > 0 then break end
    return redis.error_reply('SWEETDAMAGED message ' .. number)
  end
  redis.call('ZREM', READY, number)
  redis.call('ZREM', ready_of(owner), number)
  redis.call('ZADD', HELD, text(now + lease), number)
  fence = fence + 1
  redis.call('HSET', state_of(number), 'fence', text(fence))
  local deliveries = redis.call('HINCRBY', state_of(number), 'deliveries', 1)
  claims[#claims + 1] = { tonumber(number), fence, deliveries, owner, key, body }
  bytes = bytes + #body
  if bytes >= most_bytes then break end
end

-- Messages that came back, and were not claimed, may be for other consumers.
is_news = has_moved and redis.call('EXISTS', READY) == 1
hint()

if #claims > 0 then
  redis.call('HSET', META, 'fence', text(fence))
  return { 1, claims }
end
local is_end
if is_of_job then
  is_end = is_over(job)
else
  local counts = redis.call('HMGET', META, 'jobs', 'unfinished')
  is_end = tonumber(counts[1] or 0) > 0 and tonumber(counts[2] or 0) == 0
end
return { is_end and 2 or 0 }
