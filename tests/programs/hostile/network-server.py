# category: network
# kind: attack
def attack():
    import asyncio
    async def serve():
        await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        return True
    return asyncio.run(serve())
