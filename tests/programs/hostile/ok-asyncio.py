# category: benign
# wasm: passed failed denied
# local: passed
# prints: [0, 1, 4] done
import asyncio
async def square(n):
    await asyncio.sleep(0.001 * (3 - n))
    return n * n
async def main():
    answers = await asyncio.gather(*map(square, range(3)))
    async with asyncio.Lock():
        pass
    print(answers, await asyncio.wait_for(asyncio.sleep(0, "done"), 5))
asyncio.run(main())
