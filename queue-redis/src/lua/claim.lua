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

local claims, bytes, numbers, held, of_job = {}, 0, {}, {}, {}
local ends = text(now + lease)
for _, number in ipairs(redis.call('ZRANGE', is_of_job and ready_of(job) or READY, 0, most - 1)) do
  local owner, key, body = read(number)
  if not owner then
    if #claims > 0 then break end
    return redis.error_reply('SWEETDAMAGED message ' .. number)
  end
  local n = #claims + 1
  claims[n], numbers[n] = { tonumber(number), 0, 0, owner, key, body }, number
  held[2 * n - 1], held[2 * n] = ends, number
  local same = of_job[owner] or {}
  same[#same + 1], of_job[owner] = number, same
  bytes = bytes + #body
  if bytes >= most_bytes then break end
end
if #claims > 0 then
  -- One command for all messages where there is one: the calls of a script are most of what it costs.
  redis.call('ZREM', READY, unpack(numbers))
  for owner, same in pairs(of_job) do redis.call('ZREM', ready_of(owner), unpack(same)) end
  redis.call('ZADD', HELD, unpack(held))
  local fence = math.max(now, tonumber(redis.call('HGET', META, 'fence') or 0))
  for n, claim in ipairs(claims) do
    local state = state_of(numbers[n])
    fence = fence + 1
    redis.call('HSET', state, 'fence', text(fence))
    claim[2], claim[3] = fence, redis.call('HINCRBY', state, 'deliveries', 1)
  end
  redis.call('HSET', META, 'fence', text(fence))
end

-- Messages that came back, and were not claimed, may be for other consumers.
is_news = has_moved and redis.call('EXISTS', READY) == 1
hint()

if #claims > 0 then return { 1, claims } end
local is_end
if is_of_job then
  is_end = is_over(job)
else
  local counts = redis.call('HMGET', META, 'jobs', 'unfinished')
  is_end = tonumber(counts[1] or 0) > 0 and tonumber(counts[2] or 0) == 0
end
return { is_end and 2 or 0 }
