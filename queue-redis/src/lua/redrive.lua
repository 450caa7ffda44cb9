local found = take_dead(ARGV[1])
for _, letter in ipairs(found) do
  local number, job = letter[1], letter[2]
  redis.call('HDEL', state_of(number), 'deliveries', 'reason')
  enter(job)
  make_ready(number, job)
end
hint()
return #found
