local job = ARGV[1]
open_job(job)
if redis.call('HGET', JOBS, job) ~= '1' then
  redis.call('HSET', JOBS, job, '1')
  if is_over(job) then redis.call('HINCRBY', META, 'unfinished', -1) end
  is_news = true
end
hint()
return 1
