-- One page of keys. The job stays sealed until the last one, so that a forget that is broken off is done again.
local job = ARGV[1]
if not is_over(job) then return 0 end
local list = keys_of(job)
local keys = redis.call('LRANGE', list, 0, PAGE - 1)
for _, key in ipairs(keys) do
  local number = redis.call('HGET', KNOWN, key)
  if number then
    if redis.call('ZREM', DEAD, number) == 1 then drop(number) end
    redis.call('HDEL', KNOWN, key)
  end
end
redis.call('LTRIM', list, #keys, -1)
if redis.call('EXISTS', list) == 1 then return 1 end
redis.call('HDEL', JOBS, job)
redis.call('HDEL', OPEN, job)
return 2
