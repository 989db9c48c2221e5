local id, thread, parent, execution, role, content, parts, details, created = unpack(ARGV)
local known = message_of(id)
if known then
  for i = 1, 7 do
    if known[i] ~= ARGV[i + 1] then return {'taken'} end
  end
  if created ~= '' and created ~= known[9] then return {'taken'} end
  again(thread, update_of(thread))
  return add_message({'done'}, id, known)
end
local update = update_of(thread)
if not update or update[3] ~= '' then return {'missing'} end
if parent ~= '' then
  local other = message_of(parent)
  if not other or other[1] ~= thread then return {'parent'} end
end
update[6] = update[6] + 1
touch(thread, update)
local message = {thread, parent, execution, role, content, parts, details, digits(update[6]), created == '' and update[2] or created, update[2], '', '1'}
put_message(id, message)
local at = place(id, message)
redis.call('ZADD', ORDER, 0, at)
redis.call('ZADD', LIVE, 0, at)
if execution ~= '' then
  redis.call('ZADD', MADE, 0, execution .. '\0' .. at)
  redis.call('ZADD', LIVEMADE, 0, execution .. '\0' .. at)
end
return add_message({'done'}, id, message)
