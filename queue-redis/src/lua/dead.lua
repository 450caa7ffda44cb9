local letters, bytes = {}, 0
local numbers = redis.call('ZRANGEBYSCORE', DEAD, '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])
for _, number in ipairs(numbers) do
  local job, key, body = read(number)
  if not job then return redis.error_reply('SWEETDAMAGED message ' .. number) end
  local state = redis.call('HMGET', state_of(number), 'deliveries', 'reason')
  letters[#letters + 1] = { tonumber(number), tonumber(state[1] or 0), state[2] or '', job, key, body }
  bytes = bytes + #body
  if bytes >= tonumber(ARGV[3]) then break end
end
return letters
