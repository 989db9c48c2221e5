local data, index, info = unpack(KEYS)
local execution, sequence, time, content = unpack(ARGV)
-- Sequences have 20 digits, too many for one Lua number.
local function less(a, b)
  local high, other = tonumber(string.sub(a, 1, 10)), tonumber(string.sub(b, 1, 10))
  if high ~= other then return high < other end
  return tonumber(string.sub(a, 11)) < tonumber(string.sub(b, 11))
end
local known = redis.call('HGET', info, execution)
if known and redis.call('EXISTS', data) == 1 and less(sequence, string.sub(known, 1, 20)) then return {} end
redis.call('SET', data, content)
redis.call('HSET', info, execution, sequence .. ' ' .. time)
redis.call('ZADD', index, 0, execution)
return {}
