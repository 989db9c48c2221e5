-- Entries are "version expiry", the expiry in milliseconds, 0 for none.
local function live(entry, at)
  if not entry then return nil end
  local version, expires = string.match(entry, '^(%d+) (%d+)$')
  if expires ~= '0' and tonumber(expires) * 1000 <= at then return nil end
  return version, expires
end

-- The version of a key, '0' if it is absent, has expired or was evicted.
local function current(value, entries, key, at)
  local version = live(redis.call('HGET', entries, key), at)
  if version and redis.call('EXISTS', value) == 1 then return version end
  return '0'
end
