using System.Collections;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>(outer, length, inner), the operator working along the middle.</summary>
public readonly record struct Shape(int Outer, int Length, int Inner)
{
    internal int Count => Outer * Length * Inner;

    internal int Rows => Outer * Inner;

    /// <summary>Every row, in the order in which one number per row is stored.</summary>
    internal IEnumerable<Line> Lines
    {
        get
        {
            for (int o = 0; o < Outer; o++)
            {
                for (int i = 0; i < Inner; i++)
                {
                    yield return new Line((o * Length * Inner) + i, Length, Inner);
                }
            }
        }
    }

    public override string ToString() => $"[{Outer}, {Length}, {Inner}]";
}

/// <summary>The indices of one row.</summary>
internal readonly record struct Line(int First, int Length, int Step) : IEnumerable<int>
{
    public IEnumerator<int> GetEnumerator()
    {
        for (int k = 0; k < Length; k++)
        {
            yield return First + (k * Step);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
