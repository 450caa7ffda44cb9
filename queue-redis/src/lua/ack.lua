-- One command for a page of messages where there is one: the calls of a script are most of what it costs.
local numbers, jobs, entries, states, of_job, done = {}, {}, {}, {}, {}, 0

local function settle()
  if #numbers == 0 then return end
  if redis.call('ZREM', HELD, unpack(numbers)) < #numbers then
    -- The lease of some has run out. They are ready, and were not claimed again.
    for n, number in ipairs(numbers) do take(number, jobs[n]) end
  end
  redis.call('XDEL', MESSAGES, unpack(entries))
  redis.call('DEL', unpack(states))
  redis.call('HINCRBY', META, 'done', #numbers)
  done = done + #numbers
  for job, count in pairs(of_job) do leave(job, count) end
  numbers, jobs, entries, states, of_job = {}, {}, {}, {}, {}
end

local seen = {}
for number, fence in each_delivery(ARGV[1]) do
  local job = not seen[number] and standing(number, fence)
  if job then
    seen[number] = true
    local n = #numbers + 1
    numbers[n], jobs[n], entries[n], states[n] = number, job, number .. '-0', state_of(number)
    of_job[job] = (of_job[job] or 0) + 1
    if n == PAGE then settle() end
  end
end
settle()
hint()
return done
