using TorchSharpSoftmax;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LanguageModel;

/// <summary>Definitions of the model's own, word by word, each drawn from what the model expects after those before.</summary>
internal static class Sampling
{
    private const int Longest = 30;

    public static string[] Definitions(Model model, Text text, Options options)
    {
        manual_seed(options.Experiment.Seed);
        return [.. Enumerable.Range(0, options.Samples).Select(_ => Definition(model, text, options.Experiment.Context, options.Temperature))];
    }

    public static void Print(string[] definitions)
    {
        if (definitions.Length > 0)
        {
            Console.WriteLine("What the model takes for definitions:");
            Array.ForEach(definitions, d => Console.WriteLine($"  - {d}"));
        }
    }

    private static string Definition(Model model, Text text, int context, double temperature)
    {
        using var _ = no_grad();
        var tokens = new List<long> { Text.End };
        do
        {
            tokens.Add(Next(model, [.. tokens.TakeLast(context)], temperature));
        }
        while (tokens[^1] != Text.End && tokens.Count <= Longest);
        return string.Join(' ', tokens.Where(t => t != Text.End).Select(t => text.Vocabulary[t]));
    }

    private static long Next(Model model, long[] tokens, double temperature)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = model.call(tensor(tokens, [1, tokens.Length])).narrow(0, tokens.Length - 1, 1);
        Tensor logits = functional.linear(hidden, model.Head, model.HeadBias) / temperature;
        logits.narrow(1, Text.Unknown, 1).fill_(double.NegativeInfinity); // a definition needs a word here
        return multinomial(functional.two_pass_softmax(logits, dim: -1), 1).item<long>();
    }
}
