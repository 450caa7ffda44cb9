local base = KEYS[1]
local function named(name) return base .. ':' .. name end
local META, MESSAGES, KNOWN = named('meta'), named('messages'), named('keys')
local READY, HELD, DELAYED, DEAD = named('ready'), named('held'), named('delayed'), named('dead')
local JOBS, OPEN = named('jobs'), named('open')
local PAGE = 1000

local version = redis.call('HGET', META, 'version')
if version and version ~= '1' then
  return redis.error_reply('SWEETLAYOUT ' .. version)
end

-- Microseconds. A number of a script is a double, exact up to 2^53: until the year 2255.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local is_news = false

-- Lua's own conversion rounds to 14 digits.
local function text(number) return string.format('%.0f', number) end
local function state_of(number) return named('message:' .. number) end
local function ready_of(job) return named('ready:' .. job) end
local function keys_of(job) return named('keys:' .. job) end

local function is_over(job)
  return redis.call('HGET', JOBS, job) == '1' and tonumber(redis.call('HGET', OPEN, job) or 0) == 0
end

local function open_job(job)
  if redis.call('HSETNX', JOBS, job, '0') == 1 then
    redis.call('HSET', META, 'version', '1')
    redis.call('HINCRBY', META, 'jobs', 1)
    redis.call('HINCRBY', META, 'unfinished', 1)
  end
end

-- A message of the job is open from now on.
local function enter(job)
  if is_over(job) then redis.call('HINCRBY', META, 'unfinished', 1) end
  redis.call('HINCRBY', OPEN, job, 1)
end

-- So many messages of the job are open no more.
local function leave(job, count)
  redis.call('HINCRBY', OPEN, job, -count)
  if is_over(job) then
    redis.call('HINCRBY', META, 'unfinished', -1)
    is_news = true
  end
end

local function make_ready(number, job)
  local of_job = ready_of(job)
  if redis.call('EXISTS', of_job) == 0 then is_news = true end
  redis.call('ZADD', READY, number, number)
  redis.call('ZADD', of_job, number, number)
end

-- Returns the job of a message whose delivery still stands, or nothing.
local function standing(number, fence)
  local state = redis.call('HMGET', state_of(number), 'fence', 'job')
  if state[1] == fence then return state[2] end
end

-- Takes a claimed message out of its state. Its lease may have run out: it is ready then, and not claimed again.
-- The first change is one that a server without memory permits.
local function take(number, job)
  if redis.call('ZREM', HELD, number) == 0 then
    redis.call('ZREM', READY, number)
    redis.call('ZREM', ready_of(job), number)
  end
end

-- Drops a message for good.
local function drop(number)
  redis.call('XDEL', MESSAGES, number .. '-0')
  redis.call('DEL', state_of(number))
end

-- Returns the job, the key and the body of a message, or nothing where they are gone.
local function read(number)
  local entry = redis.call('XRANGE', MESSAGES, number .. '-0', number .. '-0')[1]
  if entry then return entry[2][2], entry[2][4], entry[2][6] end
end

local function each_delivery(receipts) return string.gmatch(receipts, '(%d+) (%d+)') end

-- Returns the dead letters with these keys, as pairs of number and job, and takes them out of that state. Each key
-- follows its length and a colon.
local function take_dead(keys)
  local found, at = {}, 1
  while at <= #keys do
    local colon = string.find(keys, ':', at, true)
    local last = colon + tonumber(string.sub(keys, at, colon - 1))
    local number = redis.call('HGET', KNOWN, string.sub(keys, colon + 1, last))
    local job = number and redis.call('HGET', state_of(number), 'job')
    if job and redis.call('ZREM', DEAD, number) == 1 then found[#found + 1] = { number, job } end
    at = last + 1
  end
  return found
end

-- A user without the right to the channel has no hints; everything else works.
local function hint()
  if is_news then redis.pcall('PUBLISH', named('changed'), '') end
end

