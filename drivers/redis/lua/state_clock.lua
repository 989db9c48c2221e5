-- The first of some versions to give. A clock that was lost goes on with the time, which
-- no version has reached: no server sets a million keys in a second.
local function first(clock, needed)
  local last = needed == 1 and redis.call('INCR', clock) or redis.call('INCRBY', clock, needed)
  if last == needed then
    last = last + now()
    redis.call('SET', clock, digits(last))
  end
  return last - needed + 1
end
