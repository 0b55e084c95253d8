# category: network
# kind: attack
def attack():
    import asyncio
    async def serve():
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        return bool(server.sockets)
    return asyncio.run(serve())
