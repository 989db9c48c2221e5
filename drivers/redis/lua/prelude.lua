-- Microseconds by the server's clock; exact in a Lua number until the year 2255.
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end

-- tostring would write large numbers with an exponent.
local function digits(n) return string.format('%.0f', n) end
