"""The questions of an answer, with the stored message that one of them answers."""

from persistence.database import Pool
from persistence.ids import MessageId
from persistence.messages import fetch_questions
from tests.support.knowledge import Counter, open_counter


async def referred(counter: Counter, ids: tuple[MessageId, ...]) -> list[str]:
    questions = await fetch_questions(
        counter.pool, counter.tenant_id, counter.conversation_id, ids
    )
    return [question.referred for question in questions]


async def test_a_reply_brings_the_words_of_the_message_that_it_answers(
    pool: Pool,
) -> None:
    counter = await open_counter(pool)
    coat = await counter.write("مانتو لینن آوین رو دیدم")
    reply = await counter.write("این چنده؟", reply_to="m1")
    plain = await counter.write("سلام")
    stray = await counter.write("و این؟", reply_to="m99")
    assert await referred(counter, reply.question_ids) == ["مانتو لینن آوین رو دیدم"]
    both = (*plain.question_ids, *stray.question_ids)
    assert await referred(counter, both) == ["", ""]
    brought = await counter.write("و این؟", reply_to="m1", referred="شال")
    assert await referred(counter, brought.question_ids) == ["شال"]
    # What is asked in the same burst stands there anyway.
    burst = (*coat.question_ids, *reply.question_ids)
    assert await referred(counter, burst) == ["", ""]
    await counter.shards.shard.stop()


async def test_a_reply_to_one_part_of_our_answer_brings_that_part(pool: Pool) -> None:
    counter = await open_counter(pool)
    answer = await counter.write("هر دو")
    await pool.execute(
        "INSERT INTO outbox (id, conversation_id, message_id, tenant_id, channel_id,"
        " part, content, delivery, platform_id, created_at, updated_at)"
        " SELECT gen_random_uuid(), $1, $2, $3, $4, part, 'part ' || part, 'sent',"
        " 'p' || part, now(), now() FROM generate_series(0, 1) AS part",
        counter.conversation_id,
        answer.question_ids[0],
        counter.tenant_id,
        counter.asked[0].channel_id,
    )
    reply = await counter.write("این چنده؟", reply_to="p0")
    assert await referred(counter, reply.question_ids) == ["part 0"]
    await pool.execute("UPDATE messages SET content = ''")
    assert await referred(counter, reply.question_ids) == [""]
    await counter.shards.shard.stop()
