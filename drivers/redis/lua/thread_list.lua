-- Whether more follows, and some threads.
local deleted_too, to, from, limit, bytes = ARGV[1] == '1', ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local out = {0}
for i, name in ipairs(redis.call('ZREVRANGEBYLEX', deleted_too and USERS or LIVEUSERS, to, from, 'LIMIT', 0, limit)) do
  if bytes <= 0 then
    out[1] = 1
    return out
  end
  local behind = string.find(name, '\0', 1, true) + 22
  local id = string.sub(name, behind)
  local content = thread_of(id)
  add_thread(out, id, content, update_of(id))
  bytes = bytes - #content[2] - #content[3]
  if i == limit then out[1] = 1 end
end
return out
