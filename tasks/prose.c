#include "tasks/prose.h"

const char *const prose[] = {
    /* a harbour */
    "The ferry leaves the north pier at ten past six, when the fish market is already sweeping its "
    "floors. Most of the passengers are nurses coming off the night shift and boys on their way to "
    "the boatyard, and they sit in the same places every morning: the nurses by the heater, the "
    "boys outside in the wind. Halfway across, the engine drops to a murmur so that the pilot can "
    "read the current against the old lighthouse. Nobody looks up. A crossing that would frighten "
    "a visitor has become, for these people, twelve quiet minutes in which nothing is asked of "
    "them.",

    /* a kitchen */
    "To make the dumplings, work cold butter into the flour with your fingertips until it looks "
    "like coarse sand, then add just enough milk to bring it together. Stop there. Dough that has "
    "been handled too long turns tough, and no sauce will hide it. Roll it as thick as a pencil, "
    "cut rounds with a wet glass, and let them rest under a cloth while the plums soften in a "
    "little sugar. They are done when they float and have turned over once by themselves; lift "
    "them out with a slotted spoon and serve them before anybody has time to sit down.",

    /* physics */
    "Heat flows from the warm side of a wall to the cold side, and the rate depends on three "
    "things only: the difference in temperature, the thickness of the wall and the stuff it is "
    "made of. Double the thickness and the loss is halved; double the difference and it is "
    "doubled. The air trapped in wool or foam does most of the work, because still air conducts "
    "poorly. Once it can move, it carries heat by circulating, and a wide empty gap insulates no "
    "better than a narrow one. That is why builders fill cavities instead of merely leaving them.",

    /* law and money */
    "The tenant shall return the deposit box key, in working order, on the last day of the lease. "
    "If the key is lost, the landlord may charge the price of a new lock and one hour of a "
    "locksmith's time, and must show both invoices on request. Neither party may demand interest "
    "on a sum of less than fifty. Where the last day falls on a public holiday, the next working "
    "day counts instead. Any agreement that departs from this paragraph has to be made in writing "
    "and signed by both sides, or it has no effect.",

    /* a child and her grandfather */
    "\"Why does the moon follow us?\" asked Ilse from the back seat. Her grandfather thought about "
    "it for the length of a field. \"It doesn't,\" he said. \"It is so far away that driving makes "
    "no difference to it. The trees are near, so they rush past. The hills are farther, so they "
    "walk. The moon is farther still, so it stands.\" She pressed her nose against the window. "
    "\"Then it is very polite,\" she said at last, \"to stand exactly where I can see it.\" He had "
    "no answer to that, and turned on the radio.",

    /* computing */
    "A hash table keeps its promises only while it has room. Insert a few hundred entries into a "
    "table with a thousand slots and nearly every lookup ends at the first probe; insert nine "
    "hundred, and the same lookup wanders through a crowd. The usual remedy is to move everything "
    "into a table twice as large as soon as three quarters are full. The move is slow, but it "
    "happens so rarely that its cost, spread over all the insertions since the last one, is "
    "constant. Programs that cannot afford the occasional pause do the moving in small pieces, a "
    "few entries with every operation.",

    /* history of a craft */
    "Before there were steel nibs, a clerk cut his own pen from the wing feather of a goose, and "
    "the cutting was the first thing he was taught. The feather was dried in warm sand until the "
    "barrel turned clear and hard, then shaped with two scooping strokes and split with the point "
    "of the knife. A good pen wrote perhaps four pages before it had to be mended. Offices bought "
    "feathers by the thousand. When the metal pen arrived, the old clerks complained that it "
    "scratched, which was true, and that it would never last, which was not.",

    /* biology */
    "A lichen looks like a plant but is a partnership: a fungus builds the house, and algae living "
    "between its threads cook the food. The fungus offers shelter from the sun and holds on to "
    "water; the algae pay with sugar that they make from light. Together they settle where neither "
    "could live alone, on bare rock, on roof tiles, on the bark of trees by busy roads. They grow "
    "slowly, some of them less than a millimetre in a year, so that a patch as broad as a hand may "
    "be older than the wall it sits on.",

    /* sport */
    "With two laps to go the pack was still together, and everyone in the stadium knew what that "
    "meant for Okafor, who could run all day but could not sprint. She moved out to the second "
    "lane and raised the pace, not sharply, just enough to make it hurt. One by one the others let "
    "go. On the last bend only the tall girl from Bergen was left at her shoulder, breathing like "
    "a saw. Okafor did not look round. She won by the width of her shirt and walked straight past "
    "the cameras to find her shoes.",

    /* medicine */
    "A fever is not the illness but part of the answer to it. When the body notices an infection, "
    "it sets its thermostat higher, and the patient shivers because thirty-seven degrees suddenly "
    "count as cold. Many germs multiply more slowly in the heat, and some of the cells that hunt "
    "them move faster. In a healthy adult a moderate fever can therefore be left alone, as long as "
    "the person drinks enough and rests. It is different with very small babies, with the very "
    "old, and with any fever that lasts for more than a few days: then a doctor should look.",

    /* a letter */
    "Dear Mr Halloran, thank you for the two boxes of maps, which arrived on Tuesday in better "
    "condition than the van that brought them. We have unrolled about half. The survey of the salt "
    "marshes is a real find, since our own copy burned with the town hall, and it settles the "
    "matter of the missing dyke. May we keep it over the winter to have it photographed? I promise "
    "that no one will eat or drink in the same room. With kind regards, and with apologies for the "
    "state of my typewriter, Ada Brandt, librarian.",

    /* 菜市场 */
    "清晨五点半，菜市场的灯一盏一盏亮起来。卖豆腐的老周总是第一个到，他把木板擦得干干净净，再把热气腾腾的豆腐切成"
    "整齐的方块。对面的鱼摊还没有客人，老板娘坐在小凳子上补手套，一边补一边同隔壁的人说昨晚的雨。六点一过，买菜的人"
    "就多了，讨价还价的声音此起彼伏。有人只买一把葱，有人推着小车要备一桌酒席。等太阳升到屋顶上的时候，最好的那几样"
    "早已卖完了。",

    /* 物理 */
    "声音在水里比在空气里传得快得多，因为水分子靠得更近，振动可以更快地从一个传给下一个。把耳朵贴在铁轨上，能听见"
    "很远的火车，也是同样的道理。不过传得快并不等于听得清楚：在水下，声音几乎同时到达两只耳朵，大脑分不出先后，所以"
    "潜水的人常常说不准声音是从哪个方向来的。",

    /* 读书 */
    "祖父的书房朝北，冬天很冷，他却舍不得搬。他说，朝北的光线稳，不会晒坏书脊，也不会催人。我小时候常坐在门槛上看他"
    "修补旧书：先用毛笔蘸水把破口润湿，再贴上一条薄薄的棉纸，最后压在两块木板中间，过一夜才打开。我问他，这样一本书"
    "要修几天，他笑着说，看它受过多少委屈。",

    /* 地理 */
    "河流在上游往往又窄又急，带着石块和泥沙一路冲下来；到了平原，坡度变小，水流放慢，泥沙便一点一点沉下去。年深日久，"
    "河床越抬越高，两岸的人只好不断加高堤坝。如果有一年堤坝决口，河水就会另找一条更低的路入海，把原来的河道留给芦苇"
    "和水鸟。今天地图上那些弯弯曲曲的湖，许多就是河流从前走过的地方。",

    /* 计算机 */
    "写程序的人常说，最难改的错误不是让程序停下来的那一种，而是让它悄悄算错的那一种。停下来的程序会告诉你它停在哪里；"
    "算错的程序却什么也不说，直到有人拿着两张对不上的表格来找你。因此有经验的人宁可多写几行检查，让程序在第一时间"
    "认输，也不愿意让它带着错误的数字继续往前走。",

    /* 医学与日常 */
    "医生嘱咐外婆每天走路半个小时，她嫌无聊，便给自己找了一个差事：替整栋楼的人取报纸。从一楼走到六楼，再从六楼走"
    "下来，正好半个小时。起初大家过意不去，后来发现她走得越来越快，脸色也越来越好，就都不再推辞了。只有三楼的小男孩"
    "有意见，因为从前取报纸的钱是他的。",

    /* weather and farming */
    "Rain had been promised for a week before it came, and when it came it was the wrong kind: "
    "hard, cold and sideways, flattening the barley instead of watering it. Marta walked the lower "
    "field in her father's coat and counted what could still be cut. About two thirds, she "
    "decided, if the wind dried it by Friday and if the Petersens would lend their machine again. "
    "She wrote both conditions on the back of her hand, the way other people write telephone "
    "numbers, and went in to ring them before the kettle boiled.",

    /* economics */
    "When a bridge replaces a ferry, the toll is not the only price that changes. Land on the far "
    "bank becomes worth more, because people who work in town can now live there; shops near the "
    "old landing lose the customers who used to wait. Someone who owned a field gains without "
    "lifting a finger, and someone who owned a café pays for it without being asked. Adding up the "
    "minutes saved is the easy part of judging a bridge. Deciding who should share the gain, and "
    "with whom, is a question that no count of minutes answers.",
};
const int n_prose = sizeof prose / sizeof prose[0];
