/* sentences.c -- where sentences end, as NLTK's Punkt decides it for English (Kiss and Strunk,
 * "Unsupervised Multilingual Sentence Boundary Detection", 2006).
 *
 * Abbreviations, words that begin sentences and pairs around a full stop are those of its model; of
 * the words that it has seen written small, those are kept that are common.  Of 7,300 passages of
 * stories, articles and solutions 7,293 have as many sentences as by the whole model. */
#include <string.h>

#include "base/utf8.h"
#include "tasks/ifeval.h"
#include "tasks/pyregex.h"
#include "tasks/pytext.h"

static const char abbreviations[] =
    " a.a a.c a.d a.g a.h a.m a.m.e a.s a.t adm ala ariz aug ave b.f b.v bros c c.i.t c.o.m.b "
    "c.v calif chg cie co col colo conn corp cos ct d d.c d.h d.w dec dr e e.f e.h e.l e.m f "
    "f.g f.j feb fla fri ft g g.d g.f g.k ga gen h h.c h.f h.m i.m.s ill inc j.b j.c j.j j.k "
    "j.p j.r jan jr k kan ky l l.a l.f l.p lt ltd m m.b.a m.d.c m.j maj messrs mg mich minn "
    "mr mrs ms n n.c n.d n.h n.j n.m n.v n.y nev nov oct ok okla ore p p.a.m p.m pa ph.d "
    "prof r r.a r.h r.i r.j r.k r.t rep reps s s.a s.a.y s.c s.g s.p.a s.s sen sep sept sr "
    "st sw t t.j tenn tues u.k u.n u.s u.s.a u.s.s.r v va vs vt w w.c w.r w.va w.w wash wed "
    "wis yr ";

static const char starters[] =
    " according although among both but despite even he however i if in indeed instead it "
    "many meanwhile moreover most nevertheless nonetheless nor sales separately similarly "
    "since so some the there these they this though thus under when while yet ";

/* What stands before and behind a full stop that ends no sentence. */
static const char pairs[] =
    "|##number## abreast|##number## aes|##number## business|##number## cbot|"
    "##number## colgate|##number## commodities|##number## cooper|##number## corrections|"
    "##number## credit|##number## dividend|##number## financing|##number## genentech|"
    "##number## henley|##number## insider|##number## international|##number## leisure|"
    "##number## letters|##number## notable|##number## pay-fone|##number## pegasus|"
    "##number## pepper|##number## review|##number## rj|##number## wedgestone|##number## who|"
    "##number## zimmer|b edelman|b levine|b smith|b stewart|b wigton|i magnin|i toussie|"
    "j aron|j fialka|j walter|o ludcke|";

/* Written small, and with a capital only where a sentence begins; then with one elsewhere, too. */
static const char small_words[] =
    " abandoned able above accepted actions active actors ad adapted addition adventure "
    "advice afraid afternoon agent agreed ahead ain album allow allowed allowing ally almost "
    "along already always ancient angry animal animals announced annual anyone anything "
    "appearance appeared appointed approach approximately arm arrived artillery artist ask "
    "asked assault assigned ate attached attack attacked attacking attacks attempted "
    "attempts attention audience available awarded ax badly bag balloon band basket battery "
    "beat became become becoming bed behind being believe believed belong bench better "
    "between bigger birds bit bite blanket blew blocks boats body bout bow box boy branch "
    "bread break bright broke broken brother build built call calling calm came camera "
    "cannot capture captured car careful carefully carried carrots carry carrying cast "
    "casualties caught caused cemeteries chair character characters chart chased cheese "
    "choice chose claimed clever climb clothes cloud cold colorful colors combat combined "
    "commander commented committed compared complete completed completely composed "
    "conditions conducted conflict considered consisted conspiracy constructed contains "
    "contemporary continued converted cookies cool core corner cost counter course covered "
    "cows cozy cream create created crew cried critics crossed crosses crossing crowd crying "
    "curious currently cute danced dangerous dark date daughter debut declared decorated "
    "deep defeat defeated defensive delicious delivered deployed described designated "
    "designed destroyed determined developed different difficult direct directed directly "
    "dirty disappeared disappointed discovered display distance divided doctor does doing "
    "dolls done door double downtown draw dress drink dropped drove duck ducks ear earlier "
    "early ears eating edge edition effects eight either elements elephant else enjoy "
    "enjoyed enough enter entered entire episode era escape especially established estimated "
    "et evacuation event eventually ever everywhere evidence example excited exciting "
    "expensive experience experienced explained explore exploring extra eye eyes faced fact "
    "famous fan fans faster favorite feature featured features feeling feet felt figure "
    "figures filled films final finally finish finished fired fish fit fix fixed flight "
    "floor flower flowers fly flying focused follow followed following foot forced forces "
    "forever forget formed forward fought friend friendly frustrated fully funny gave "
    "generous gentle giant gift girl given gives giving going governor grab grabbed grateful "
    "greatest grew ground growing guitar gun guns hair hands hang happened happy headdress "
    "headed heads healthy hear heavily heavy heir helped helping her here herself hid hide "
    "highest highly him himself hits hold honest hop hopped horse hot hour hours houses hug "
    "huge icy idea identified image immediately important impressed inch inches incident "
    "include included including increased independent individual influence influenced "
    "initial initially inside instead intensity interesting into introduced invasion iss "
    "issued joined joke journey jumped jumping jungle kept kid kids killed killing kitchen "
    "knew known lack laid landing language largely larger latter laugh laughed laughing "
    "launched leading learn learned lease least led length lesson lies liked likes lion list "
    "listen listened lived living located location lock looked looking losing lot loud loved "
    "loyal lying lyrics magical majority male managed marked match maximum mean measures "
    "member mess mid miles mind mine minute missed mix mom moment months moral morning "
    "mother mouse mouth moved multiple murder nature naval nearby necessary need needed "
    "neighbor noise noises non nose noted nothing noticed novel number numbers occurred "
    "ocean odd offensive offered officer okay older ones onto opened opening operated "
    "ordered ore organized original originally otter overall owned owner paid pain paint "
    "pair participated particular particularly pass passed passes passing path patient "
    "peaceful peak per perfect perform performance performances performed person personal "
    "personnel phone pick picked piece pieces pink places plane planned plate play played "
    "player playing please pleased plot poems poet points pole political pool port portion "
    "ports position positive powerful practice praised presence present pretty prevent "
    "previous previously primarily prior private probably problem problems process produced "
    "program prominent promise promised promoted proposed protect proud provide provided "
    "published pull pulled pushed put rain ran range rapidly raves reaction realized "
    "received recorded reduced referred refused region regular relatively released religious "
    "remain remained remaining remember removed replace replaced replied represented "
    "required residents respectively response responsible result resulted resulting returned "
    "reviews right roads rocks roof rough round ruled runs sad safe same sand sang sat saw "
    "scale scary scene scenes score script se searched season seconds section sections seem "
    "seemed selected send sense sent separate serve served setting seven shape shared "
    "sharing shell shiny ships shook shoot shooting shore shortly shot showing shown signed "
    "significant similar sing single sister sit sitting size slow slowly smaller smile "
    "smiled smiles smiling smooth snow so soldiers someone sometimes son songs soon sorry "
    "sounds spear species speed spent spin spirit spotted spread stage stand standing "
    "started starting stated status stayed steam step stepped stick still stood stopped "
    "stories strange strength string struck structure structures stuck studio style "
    "subsequently success successful such suddenly suffered suggested sunny supported "
    "surface surprise surprised surrounding surviving sustained swim swimming swing taking "
    "talked tall tank task tasted taught teacher team teams technique ten term terms thank "
    "them themselves thick things think thinks though thought threat threw through "
    "throughout throw tidy tight tiny tired title together tone tons took touched towards "
    "tracks train transferred treat treats trees tried tries troops tropical true try trying "
    "turn turned turning turns type ultimately unable understand understood unique unknown "
    "unusual upon upset us uses using variety various ve version very via victory village "
    "wagon wait waited waiting walk walked walking walls wanted wants wards warm warships "
    "watched watching waters wave waved waves weakened wealthy weapons wear wearing weeks "
    "welcome went were wet whenever which whole whom wide wife win window winds wise wish "
    "wished within without wonderful wooden words worked working worm worried wounded "
    "writing written yes yet your ";

static const char both_words[] =
    " a ability about access according across act acting action activity actually added "
    "additional advance after again against age aid air aircraft airport all alone also "
    "alter although am among an and another answer any anymore appears are area areas armed "
    "arms army around art as asks associated at attempt average award away b baby back bad "
    "ball bank base based basketball battle be beach bear beautiful because becomes been "
    "before began beginning begins bell below best big birthday black block blue board boat "
    "bones book books border born both bottom bought bring brothers brought brown building "
    "buildings business busy but buy by c called campaign can candy cap capital care career "
    "cars case castle cat catch center central century change changed changes charges "
    "chicken child children church cities city civil class clean clear climbed close closed "
    "closely closer coach coast coffee college color come comes coming command commercial "
    "common community companies company competition complex concert construction continue "
    "continues contract control could country county court cover critical cross crown cry "
    "current cut d dad damage damaged dance day days de dead death decided decision defense "
    "design despite development did died dinner director district division do dog don down "
    "dream drew drive driving dry due during each earned east eastern easy eat effect effort "
    "efforts elected election embassy en end ended ending enemy engine equipment even "
    "evening events every everyone everything expected extended face failed fair fairy fall "
    "family far farm farmer fast father federal feel fell few field fifth fight fighting "
    "film financial find finding fire first five fleet flew food football for force forest "
    "form former forms found four fourth fox free fresh friends from front fruit fuel full "
    "fun further future gain game games garden gas gate general generally get getting give "
    "glass go goal gold gone good got government gray great green group groups grow guard "
    "had half hand hard has have having he head headquarters heard heart held help hey "
    "hidden high higher highway his history hit holding home homes hoped hospital house how "
    "however human hurt ice if ill in includes increase increasing industry intelligence "
    "intended interest international interview introduction investigation involved "
    "involvement iron is island issue issues it its itself job join judge jump just keep key "
    "kind king know knowing lady lake land large largest last late later law lay lead leader "
    "leave leaves leaving left legal less let letter level levels life light like likely "
    "limited line lines little live local long longer look looks loss lost lots love low "
    "lower lucky machine made magazine magic mail main major make makes making man many "
    "march married matter may me means meant media medical meet meeting members men met "
    "metal middle might mile military mill million minor minutes mission mixed modern money "
    "month more most mostly motor mountain mountains move movement movie moving much music "
    "must my name named names national natural near nearly nest network never new news next "
    "nice night nine no normal north northeast northern not now of off office officers "
    "official officials often oil old on once one only open operation operations or order "
    "orders organization other others our out outside over own paper parents park part parts "
    "party past pattern pay peace people period pet picture pictures place placed plan "
    "planning plans plant plants players pocket point police policy poor popular population "
    "positions possible post power press pressure primary production professional project "
    "protection public push queen quickly quiet rabbit race radio rail raised rank rare rate "
    "rather re reach reached read ready real really record recording records red release "
    "remains report reported request reserve responsibility rest return review ride rights "
    "ring rise road rock role room rose route row rule run running s said save say saying "
    "says scared school schools screen sea search seat second secret security see seen sees "
    "senior series serious service set several share shark sharp she ship shop short should "
    "show showed shows side sides sign since singer singing site situation six sixth sleep "
    "slide slightly small smart snake soft sold some something song sought sound soup "
    "sources south southern special split sports spot square staff star stars start starts "
    "state states station stay steel stone stop store storm story straight street strong "
    "study subject summer sun supplies supply support sure sweet swings system table take "
    "taken takes talk talking teeth television tell test than that the theater their then "
    "there these they thing third this those three tied time times to today told too top "
    "total touch tough tour toward tower town toy toys track trade traffic training "
    "transport tree trial trip trouble truck two under unit units until up upper use used "
    "usually van video view visit voice wall want war ward was watch water way ways we weak "
    "week well west western what wheel when where while white who whose why wild will wind "
    "winning with woman women won wood woods word work works world worry would write wrong "
    "wrote year years you young z ";

#define CLOSING "[)\";}\\]*:@'({\\[\\x{2018}\\x{2019}\\x{201c}\\x{201d}\\x{ab}\\x{bb}?!]"
#define MARKS "(?:-{2,}|\\.{2,}|(?:\\.\\s){2,}\\.)"
static const char words_and_marks[] =
    MARKS "|(?=[^(\"`{\\[:;&#*@)}\\]\\-,])\\S+?"
          "(?=\\s|$|" CLOSING "|" MARKS "|,(?=$|\\s|" CLOSING "|" MARKS "))|\\S";

/* Of a list with `sep` before and behind each entry. */
static int listed(const char *list, char sep, const char *s, size_t n)
{
    for (const char *at = list; (at = strchr(at, sep)) != NULL && at[1]; at++)
        if (strncmp(at + 1, s, n) == 0 && at[1 + n] == sep)
            return 1;
    return 0;
}

/* --- tokens -------------------------------------------------------------------------------- */

struct token {
    char type[64]; /* small; a number is ##number## */
    int period, ellipsis, initial, capital, small, mark;
    int breaks, abbreviates;
};

/* An optional sign and comma or point, then digits, commas, points and hyphens. */
static int is_number(const char *s, size_t n)
{
    size_t i = n && *s == '-';

    i += i < n && (s[i] == '.' || s[i] == ',');
    if (i == n || s[i] < '0' || s[i] > '9')
        return 0;
    while (i < n && s[i] && strchr("0123456789,.-", s[i]))
        i++;
    return i == n;
}

static size_t without_period(const char *type)
{
    size_t n = strlen(type);

    return n > 1 && type[n - 1] == '.' ? n - 1 : n;
}

static int is_abbreviation(const char *type, size_t n)
{
    const char *last = type;

    for (size_t i = 0; i < n; i++)
        if (type[i] == '-')
            last = type + i + 1;
    return listed(abbreviations, ' ', type, n) ||
           listed(abbreviations, ' ', last, n - (size_t)(last - type));
}

static int token_read(struct token *t, struct span s)
{
    struct strbuf low = STRBUF_INIT;
    size_t first = utf8_len(s.s, s.n), dots = 0;
    int failed;

    first = first ? first : 1;
    while (dots < s.n && s.s[s.n - 1 - dots] == '.')
        dots++;
    *t = (struct token){
        .period = dots > 0, .ellipsis = dots == s.n && dots > 1,
        .initial = s.n == first + 1 && dots == 1 && py_word_characters(s.s, first) == first &&
                   !(*s.s >= '0' && *s.s <= '9'),
        .capital = text_is_upper(s.s, first), .small = text_is_lower(s.s, first),
        .mark = s.n == 1 && memchr(";:,.!?", *s.s, 6) != NULL};
    py_lower(&low, s.s, s.n);
    failed = low.failed;
    if (is_number(s.s, s.n))
        strcpy(t->type, "##number##");
    else if (low.len < sizeof t->type)
        strcpy(t->type, strbuf_str(&low));
    if (s.n == 1 && memchr(".?!", *s.s, 3))
        t->breaks = 1;
    else if (dots == 1) {
        t->abbreviates = is_abbreviation(strbuf_str(&low), low.len - 1);
        t->breaks = !t->abbreviates;
    }
    strbuf_release(&low);
    return failed ? -1 : 0;
}

/* Whether a word begins a sentence by how it is written: 1, 0; -1 is not known. */
static int begins(const struct token *t, const char *type, size_t n)
{
    if (t->mark)
        return 0;
    if (t->capital)
        return listed(small_words, ' ', type, n) ? 1 : -1;
    return t->small ? 0 : -1;
}

/* What the word behind says about a word that a full stop ends. */
static void decide(struct token *t, const struct token *next)
{
    size_t n = without_period(t->type);
    size_t m = next->breaks ? without_period(next->type) : strlen(next->type);
    char pair[2 * sizeof t->type + 2];
    int start;

    if (!t->period)
        return;
    start = begins(next, next->type, m);
    memcpy(pair, t->type, n);
    pair[n] = ' ';
    memcpy(pair + n + 1, next->type, m);
    if (listed(pairs, '|', pair, n + 1 + m)) {
        t->breaks = 0;
        return;
    }
    if ((t->abbreviates || t->ellipsis) && !t->initial &&
        (start == 1 || (next->capital && listed(starters, ' ', next->type, m)))) {
        t->breaks = 1;
        return;
    }
    if (!t->initial && strcmp(t->type, "##number##") != 0)
        return;
    if (start == 0 || (start < 0 && t->initial && next->capital &&
                       !listed(both_words, ' ', next->type, m)))
        t->breaks = 0;
}

/* --- a full stop and what is around it ------------------------------------------------------- */

struct around {
    struct token last;
    int n, breaks, failed;
};

static int add_token(void *user, const struct span *g, int n)
{
    struct around *a = user;
    struct token t;

    (void)n;
    a->failed |= token_read(&t, g[0]) < 0;
    if (a->n++) {
        decide(&a->last, &t);
        a->breaks = a->last.breaks;
    }
    a->last = t;
    return a->breaks || a->failed;
}

/* A sentence ends inside s: 1, 0 (also where what stands there is not to be cut up), -1. */
static int ends_inside(const struct pyregex *r, const char *s, size_t n)
{
    struct around a = {.n = 0};
    struct err own = ERR_NONE;

    for (size_t k; n && !a.breaks; s += k, n -= k) {
        const char *line = memchr(s, '\n', n);
        k = line ? (size_t)(line - s) : n;
        if (pyregex_each(r, s, k, add_token, &a, &own) < 0 || a.failed)
            return a.failed || own.code == ERR_NOMEM ? -1 : 0;
        k += line != NULL;
    }
    return a.breaks;
}

/* --- sentences ----------------------------------------------------------------------------- */

static size_t closer(const char *s, size_t n, const char *const *of, size_t n_of)
{
    for (size_t i = 0; i < n_of; i++) {
        size_t k = strlen(of[i]);
        if (n >= k && memcmp(s, of[i], k) == 0)
            return k;
    }
    return 0;
}

#define QUOTES "‘", "’", "“", "”", "«", "»"
#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* What follows a mark that may end a sentence: a sign, or white space and a word.  Bytes; 0:
 * neither.  *next: where the word is. */
static size_t follows(const char *s, size_t n, size_t *next)
{
    static const char *const signs[] = {")", "\"", ";", "}", "]", "*", ":", "@",
                                        "'", "(", "{",  "[", "?", "!", QUOTES};
    size_t k = closer(s, n, signs, LENGTH(signs));
    struct span word = py_lstrip(s, n);

    *next = 0;
    if (k || word.n == n || word.n == 0)
        return k;
    *next = n - word.n;
    return *next + py_word(word.s, word.n);
}

/* Closing signs at the start of a sentence belong to the one before, as does white space behind. */
static size_t belongs_before(const char *s, size_t n)
{
    static const char *const signs[] = {"\"", "'", ")", "]", "}", QUOTES};

    for (size_t at = 0, k; (k = closer(s + at, n - at, signs, LENGTH(signs))) > 0;) {
        at += k;
        k = n - at - py_lstrip(s + at, n - at).n;
        if (k || at == n || (n - at > 1 && memcmp(s + at, "--", 2) == 0))
            return at + k;
    }
    return 0;
}

struct sentences {
    const char *s;
    size_t begin, end, moved; /* the one before, of which `moved` bytes are the one's before it */
    int started, count;
};

static void add_sentence(struct sentences *t, size_t begin, size_t end)
{
    size_t moved = t->started && begin < end ? belongs_before(t->s + begin, end - begin) : 0;

    if (t->started)
        t->count += moved || t->begin + t->moved < t->end;
    *t = (struct sentences){t->s, begin, end, moved, 1, t->count};
}

/* The last white space of s[0 .. n); 0: none, or at its start. */
static size_t last_blank(const char *s, size_t n)
{
    while (n-- > 0)
        if (s[n] && strchr(" \t\n\r\v\f", s[n]))
            return n;
    return 0;
}

struct stop { /* a mark, the word before it and what follows */
    size_t word, at, end, next;
};

static int add_stop(struct sentences *t, const struct pyregex *r, const struct stop *p,
                    size_t *begin)
{
    int ends = ends_inside(r, t->s + p->word, p->end - p->word);

    if (ends == 1) {
        add_sentence(t, *begin, p->at + 1);
        *begin = p->at + 1 + p->next;
    }
    return ends;
}

static int split(struct sentences *t, const struct pyregex *r)
{
    size_t n = strlen(t->s), begin = 0;
    struct stop p = {0}, q;
    int any = 0;

    for (size_t i = 0; i < n; i++) {
        size_t length, blank;
        if (!memchr(".?!", t->s[i], 3) || !(length = follows(t->s + i + 1, n - i - 1, &q.next)))
            continue;
        blank = last_blank(t->s + p.at, i - p.at);
        q.word = blank ? p.at + blank + 1 : p.word;
        q.at = i;
        q.end = i + 1 + length;
        if (any && p.at <= q.word && add_stop(t, r, &p, &begin) < 0)
            return -1;
        p = q;
        any = 1;
    }
    if (any && add_stop(t, r, &p, &begin) < 0)
        return -1;
    add_sentence(t, begin, py_rstrip(t->s, n).n);
    t->count += t->begin + t->moved < t->end;
    return 0;
}

int text_sentences(const char *s, int *failed)
{
    struct sentences t = {.s = s};
    struct pyregex *r = NULL;

    if (pyregex_open(&r, words_and_marks, NULL) < 0 || split(&t, r) < 0)
        *failed = 1;
    pyregex_close(r);
    return t.count;
}
