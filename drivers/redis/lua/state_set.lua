-- Sets keys in turn. Answers for each with its new version, a number, or if it is not
-- at the expected one with the version that it has, a string.
local clock, keys, expiries = KEYS[1], KEYS[2], KEYS[3]
local others, count = 3, #KEYS - 3

local free -- the next version to give
local named = {} -- scores and keys that are not in the index yet
local function index()
  if #named > 0 then redis.call('ZADD', keys, unpack(named)) end
  named = {}
end

local out = {}
for i = 1, count do
  local entry, at = KEYS[others + i], 4 * (i - 1)
  local key, content, ttl, expected = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local actual = expected ~= '' and version(entry)
  if actual and actual ~= expected then
    out[i] = actual
  else
    free = free or first(clock, count - i + 1)
    if ttl == '0' then
      redis.call('SET', entry, digits(free) .. ' 0 ' .. content)
    else
      -- The server shows a key until the end of the millisecond that it is told.
      local last = math.floor(now() / 1000) + tonumber(ttl)
      local expires = digits(last + 1)
      redis.call('SET', entry, digits(free) .. ' ' .. expires .. ' ' .. content, 'PXAT', digits(last))
      redis.call('ZADD', expiries, expires, key)
    end
    named[#named + 1] = '0'
    named[#named + 1] = key
    if #named == 1000 then index() end -- unpack cannot take many more
    out[i] = free
    free = free + 1
  end
end
index()
return out
