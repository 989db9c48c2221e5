-- Whether more may follow, and some messages of a thread or of an execution.
local of_thread, owner, deleted_too, backward = ARGV[1] == 'thread', ARGV[2], ARGV[3] == '1', ARGV[4] == '1'
local from, to, limit, bytes = ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local index
if of_thread then
  local update = update_of(owner)
  if not update or (update[3] ~= '' and not deleted_too) then return {'missing'} end
  index = deleted_too and ORDER or LIVE
else
  index = deleted_too and MADE or LIVEMADE
end

-- As many as are looked up at once.
local chunk = 64
local function stretch()
  if backward then return redis.call('ZREVRANGEBYLEX', index, to, from, 'LIMIT', 0, chunk) end
  return redis.call('ZRANGEBYLEX', index, from, to, 'LIMIT', 0, chunk)
end
local function go_on_behind(name)
  if backward then to = '(' .. name else from = '(' .. name end
end

local out, hidden = {'done', 1}, {}
while true do
  local names = stretch()
  local skipped = false
  for _, name in ipairs(names) do
    local at = of_thread and name or string.sub(name, #owner + 2)
    local behind = string.find(at, '\0', 1, true)
    local thread, id = string.sub(at, 1, behind - 1), string.sub(at, behind + 22)
    if not of_thread and not deleted_too and hidden[thread] == nil then hidden[thread] = update_of(thread)[3] ~= '' end
    if hidden[thread] then
      -- Behind all messages of a deleted thread.
      local start = owner .. '\0' .. thread
      if backward then to = '(' .. start .. '\0' else from = '[' .. start .. '\1' end
      skipped = true
      break
    end
    local message = message_of(id)
    add_message(out, id, message)
    limit, bytes = limit - 1, bytes - #message[5] - #message[6] - #message[7]
    if limit == 0 or bytes <= 0 then return out end
    go_on_behind(name)
  end
  if #names < chunk and not skipped then
    out[2] = 0
    return out
  end
end
