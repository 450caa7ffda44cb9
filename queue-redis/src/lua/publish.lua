local job, key, body = ARGV[1], ARGV[2], ARGV[3]
if redis.call('HEXISTS', KNOWN, key) == 1 then return 0 end
if redis.call('HGET', JOBS, job) == '1' then return -1 end
local number = text(redis.call('HINCRBY', META, 'next', 1))
redis.call('XADD', MESSAGES, number .. '-0', 'job', job, 'key', key, 'body', body)
open_job(job)
redis.call('HSET', state_of(number), 'job', job)
redis.call('HSET', KNOWN, key, number)
redis.call('RPUSH', keys_of(job), key)
enter(job)
make_ready(number, job)
hint()
return 1
