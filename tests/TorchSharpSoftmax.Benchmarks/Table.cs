using System.Reflection;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>What a row of a table is measured on; its text names the row, times are divided by its units (elements, mostly).</summary>
public interface ICase
{
    double Units { get; }

    /// <summary>In so many rounds the row is measured at most: few where one takes long.</summary>
    int MostRounds => int.MaxValue;
}

/// <summary>A ratio of speeds: how many times as fast <paramref name="Of"/> is as <paramref name="Over"/>. One with a headline stands in the README's summary.</summary>
internal record Column(string Title, string Of, string Over, Headline? Headline = null)
{
    public virtual string Format => "0.00";

    /// <summary>Whether more is better for us: what <see cref="Regressions"/> looks at.</summary>
    public virtual bool HasPeer => true;

    /// <summary>One value for each round that has what the column needs.</summary>
    public virtual IEnumerable<double> Values(ILookup<string, Measurement> row) => row[Of].Join(row[Over], m => m.Round, m => m.Round, (of, over) => over.Value / of.Value);
}

/// <summary>A line of the README's summary: what is measured, against what.</summary>
internal sealed record Headline(string Operator, string Against)
{
    public const string Composed = "the same, composed of libtorch's operators";
}

/// <summary>What the README shows of a table that is no ratio, and the picture as points: those of its rows, after a sentence, and for the picture one of its columns.</summary>
internal sealed record Excerpt(string Text, Func<string, bool> Shows, string Drawn);

/// <summary>A ratio of two of ours: less where the other one got faster.</summary>
internal sealed record Between(string Title, string Of, string Over) : Column(Title, Of, Over)
{
    public override bool HasPeer => false;
}

/// <summary>The share of a whole's time that a part takes.</summary>
internal sealed record Share(string Title, string Part, string Whole) : Column(Title, Whole, Part)
{
    public override string Format => "0.0 %";

    public override bool HasPeer => false;
}

/// <summary>No ratio but what was measured itself: a time, bytes, an error.</summary>
internal sealed record Amount(string Title, string Variant, string Style, double Unit = 1) : Column(Title, Variant, Variant)
{
    public override string Format => Style;

    public override bool HasPeer => false;

    public override IEnumerable<double> Values(ILookup<string, Measurement> row) => row[Variant].Select(m => m.Value / Unit);
}

/// <summary>How much more time a variant takes than another; less than 0 where it is faster.</summary>
internal sealed record Difference(string Title, string Of, string Less, double Unit) : Column(Title, Of, Less)
{
    public override string Format => "0.0";

    public override bool HasPeer => false;

    public override IEnumerable<double> Values(ILookup<string, Measurement> row) => row[Of].Join(row[Less], m => m.Round, m => m.Round, (of, less) => (of.Value - less.Value) / Unit);
}

/// <summary>One table of an operator's results: the static field `Table` of a class of benchmarks, which is found by itself.</summary>
/// <param name="Operator">The operator's name: that of its files, and what selects it.</param>
/// <param name="Text">What is measured, for the reader of docs/benchmarks.md.</param>
/// <param name="Baseline">The variant whose time is given, for orientation.</param>
/// <param name="Time">That time's title.</param>
/// <param name="Columns">The ratios.</param>
/// <param name="Cases">The first column's title.</param>
/// <param name="AtLesserWidths">Also measured at lesser widths than the machine's best, on one thread.</param>
/// <param name="WithBlocksKept">Also measured after <c>LargeBlocks.Keep()</c>, for what allocates.</param>
/// <param name="Excerpt">What of it stands in the README.</param>
/// <param name="Measure">Measures a round by itself, where the benchmarks of BenchmarkDotNet do not fit: those of its rows that are wanted.</param>
/// <param name="TimeFormat">How that time is written, which for such a table may be something else.</param>
internal sealed record Table(
    string Operator, string Text, string Baseline, string Time, Column[] Columns, string Cases = "shape", bool AtLesserWidths = false, bool WithBlocksKept = false,
    Excerpt? Excerpt = null, Func<int, Func<ICase, bool>, IEnumerable<Measurement>>? Measure = null, string TimeFormat = "0.000")
{
    public Type Type { get; private init; } = typeof(Table);

    public string Name => Type.Name;

    public static Table[] All { get; } =
    [
        .. from type in typeof(Table).Assembly.GetTypes()
           let table = type.GetField(nameof(Table), BindingFlags.Static | BindingFlags.NonPublic)?.GetValue(null) as Table
           where table is not null
           orderby type.MetadataToken
           select table with { Type = type },
    ];
}
