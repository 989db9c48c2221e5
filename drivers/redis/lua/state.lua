-- What is under the key of an entry is "version expiry content", the expiry in
-- milliseconds, 0 for none. The server expires the entry itself.
local function version(entry)
  return string.match(redis.call('GETRANGE', entry, 0, 20), '^(%d+) ') or '0'
end
