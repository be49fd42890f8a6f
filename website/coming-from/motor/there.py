## Connections
# Connect
client = AsyncIOMotorClient(uri, maxPoolSize=20)
# A database, a collection
people = client["app"]["people"]
# The database of the URI
client.get_default_database()
# Is the server there?
await client.admin.command("ping")
# The version of the server
await client.server_info()
# The members of the replica set
client.primary, client.secondaries, client.is_mongos
# Other settings for one collection
people.with_options(read_preference=ReadPreference.SECONDARY_PREFERRED)
## Reads
# One document
await people.find_one({"name": "Ada"})
# All documents
await people.find({"age": {"$gte": 18}}).to_list(length=None)
# At most so many
await people.find().to_list(length=10)
# Sorted, a part of them
await people.find().sort([("age", -1), ("name", 1)]).skip(10).limit(10).to_list(None)
# Some fields
await people.find({}, {"name": 1, "_id": 0}).to_list(None)
# One after the other
async for person in people.find():
    print(person["name"])
# Raw batches
async for batch in people.find_raw_batches():
    print(len(batch))
# How many
await people.count_documents({"age": {"$gte": 18}})
# About how many
await people.estimated_document_count()
# Distinct values
await people.distinct("city")
# An index to use, a time limit
await people.find({"name": "Ada"}).hint([("name", 1)]).max_time_ms(500).to_list(None)
# How the server finds them
await people.find({"name": "Ada"}).explain()
## Writes
# Insert a document
await people.insert_one({"name": "Grace", "age": 37, "tags": []})
# Insert several
await people.insert_many([{"name": "Grace", "age": 37, "tags": []}], ordered=False)
# Update a document
await people.update_one({"name": "Ada"}, {"$inc": {"age": 1}})
# Update several
await people.update_many({"age": {"$lt": 18}}, {"$set": {"tags": []}})
# Update or insert
await people.update_one({"name": "Joan"}, {"$set": {"age": 30, "tags": []}}, upsert=True)
# Update and read
await people.find_one_and_update(
    {"name": "Ada"}, {"$inc": {"age": 1}}, return_document=ReturnDocument.AFTER
)
# Replace a document
await people.replace_one({"name": "Ada"}, {"name": "Ada", "age": 37, "tags": []})
# Delete a document
await people.delete_one({"_id": id})
# Delete several
await people.delete_many({"age": {"$lt": 18}})
# Delete and read
await people.find_one_and_delete({"name": "Ada"})
# Several writes in one command
await people.bulk_write([
    InsertOne({"name": "Grace", "age": 37, "tags": []}),
    UpdateOne({"name": "Ada"}, {"$inc": {"age": 1}}),
    DeleteMany({"age": {"$lt": 18}}),
])
# Writes to several collections
await client.bulk_write([
    InsertOne({"name": "Grace"}, namespace="app.people"),
    DeleteOne({"name": "Grace"}, namespace="app.guests"),
])
## Failures and time
# A key that is there already
try:
    await people.insert_one({"_id": id, "name": "Ada", "age": 36, "tags": []})
except DuplicateKeyError as error:
    print(error.details["keyPattern"])
# Connection failures
try:
    await people.find_one({})
except AutoReconnect:
    await people.find_one({})
# A time limit for several operations
with pymongo.timeout(2):
    ada = await people.find_one({"name": "Ada"})
    await people.find({"city": ada["city"]}).to_list(None)
# Two reads at the same time
await asyncio.gather(people.find_one({"name": "Ada"}), people.count_documents({}))
# Run it all
asyncio.run(main())
## Sessions and transactions
# A transaction
async def body(session):
    await people.update_one({"name": "Ada"}, {"$inc": {"age": -1}}, session=session)
    await people.insert_one({"name": "Grace", "age": 1, "tags": []}, session=session)

async with await client.start_session() as session:
    await session.with_transaction(body)
# A transaction by hand
async with await client.start_session() as session:
    async with session.start_transaction():
        await people.delete_one({"_id": id}, session=session)
# Read what was written
async with await client.start_session(causal_consistency=True) as session:
    await people.insert_one({"name": "Grace", "age": 37, "tags": []}, session=session)
    await people.find_one({"name": "Grace"}, session=session)
# Reads of one moment
async with await client.start_session(snapshot=True) as session:
    await people.count_documents({}, session=session)
## Aggregations and change streams
# A pipeline
await people.aggregate([{"$group": {"_id": "$city", "count": {"$sum": 1}}}]).to_list(None)
# Watch a collection
async with people.watch() as changes:
    async for change in changes:
        print(change["operationType"])
# Go on where it stopped
async with people.watch(resume_after=token) as changes:
    await changes.next()
## Files
# Upload
await AsyncIOMotorGridFSBucket(db).upload_from_stream("hello.txt", b"hello")
# Download
out = await AsyncIOMotorGridFSBucket(db).open_download_stream_by_name("notes.txt")
await out.read()
# Find
await AsyncIOMotorGridFSBucket(db).find({"filename": "notes.txt"}).to_list(None)
## Collections and indexes
# Create an index
await people.create_index([("city", 1), ("age", -1)])
# List indexes
await people.index_information()
# Drop an index
await people.drop_index("name_1")
# Create a collection
await db.create_collection("events", capped=True, size=4096)
# Their names
await db.list_collection_names()
# Rename one
await people.rename("persons")
# Drop one
await db.drop_collection("guests")
# List databases
await client.list_database_names()
# Any command
await db.command("collStats", "people")
