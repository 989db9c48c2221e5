-- After execution and expectation ARGV holds ID, type, payload and time of each event.
local log, ids, executions, index = unpack(KEYS)
local execution, expected = ARGV[1], ARGV[2]
local count = (#ARGV - 2) / 4
local function event(i) local at = 4 * i - 1; return ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3] end

local known = redis.call('HGET', executions, execution)
local last, created = 0, nil
if known then
  last, created = string.match(known, '^(%d+) (%d+) %d+$')
  last = tonumber(last)
end

-- Lua's stack bounds how many arguments one call may have.
local chunk = 1000
local sequences, found = {}, false
for first = 1, count, chunk do
  local names = {}
  for i = first, math.min(first + chunk - 1, count) do names[#names + 1] = event(i) end
  for i, sequence in ipairs(redis.call('HMGET', ids, unpack(names))) do
    sequences[first + i - 1] = sequence
    found = found or sequence
  end
end

if found then
  for i = 1, count do
    local id, kind, payload, time = event(i)
    local same = sequences[1] and sequences[i] and tonumber(sequences[i]) == tonumber(sequences[1]) + i - 1
    if same then
      local at = sequences[i] .. '-0'
      local stored = redis.call('XRANGE', log, at, at)[1][2]
      same = stored[4] == kind and stored[6] == payload and (time == '' or stored[8] == time)
    end
    if not same then return {'taken', digits(last), id} end
  end
  -- A write, since WAIT only promises to wait for those of its own connection.
  redis.call('HSET', executions, execution, known)
  return {'done', sequences[count], ''}
end
if expected ~= '' and expected ~= digits(last) then return {'refused', digits(last), ''} end

local at = digits(now())
for i = 1, count do
  local id, kind, payload, time = event(i)
  local sequence = digits(last + i)
  redis.call('XADD', log, sequence .. '-0', 'i', id, 't', kind, 'p', payload, 'c', time == '' and at or time)
  redis.call('HSET', ids, id, sequence)
end
redis.call('HSET', executions, execution, digits(last + count) .. ' ' .. (created or at) .. ' ' .. at)
if last == 0 then redis.call('ZADD', index, 0, execution) end
return {'done', digits(last + count), ''}
