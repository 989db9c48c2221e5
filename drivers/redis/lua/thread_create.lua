local id, user, title, metadata, created = unpack(ARGV)
local update = update_of(id)
if update then
  local known = thread_of(id)
  if known[1] ~= user or known[2] ~= title or known[3] ~= metadata or (created ~= '' and created ~= known[4]) then return {'taken'} end
  again(id, update)
  return add_thread({'done'}, id, known, update)
end
update = {user, '0', '', 1, 0, 0}
touch(id, update)
local content = {user, title, metadata, created == '' and update[2] or created}
redis.call('HSET', THREADS, id, cmsgpack.pack(content))
return add_thread({'done'}, id, content, update)
