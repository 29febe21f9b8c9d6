using System.Reflection;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>The lists of operators that reflection cannot make: whoever is missing says so here, instead of being tested less.</summary>
[BestWidthOnly]
public sealed class OperatorListTests
{
    /// <summary>Functions from tensors to tensors; in place they are another form of the same, numbers about a model are no operators.</summary>
    private static readonly string[] Functions =
    [
        .. from method in typeof(Operators).GetMethods(BindingFlags.Public | BindingFlags.Static)
           where char.IsLower(method.Name[0]) && !method.Name.EndsWith('_') && method.ReturnType != typeof(double) && method.GetParameters()[0].ParameterType == typeof(Tensor)
           select method.Name into name
           group name by name into same
           select same.Key,
    ];

    /// <param name="list">For the failure text.</param>
    /// <param name="besides">Forms of another function, tested by its name.</param>
    /// <param name="files">Where functions are named.</param>
    [Theory]
    [InlineData("the random cases (a family in RandomCases)", "linear_cross_entropy_outputs", "RandomCases/*.cs", "SoftmaxOperator.cs")]
    [InlineData("the graphs of EveryOperatorThreadsTests", "", "EveryOperatorThreadsTests.cs", "SoftmaxOperator.cs")]
    public void Every_function_stands_in_the_list(string list, string besides, params string[] files)
    {
        Assert.Contains("two_pass_softmax", Functions);
        string folder = Path.Combine(Repository.Root, "tests", "TorchSharpSoftmax.Tests");
        string text = string.Concat(files.SelectMany(file => Directory.GetFiles(folder, file)).Select(File.ReadAllText));
        string[] missing = [.. Functions.Except(besides.Split(' ')).Where(name => !Regex.IsMatch(text, $@"\b{name}\b"))];
        Assert.True(missing.Length == 0, $"{string.Join(", ", missing)}: not in {list}; an operator along one dim gets there by its entry in SoftmaxOperator.All.");
    }

    [Fact]
    public void Every_operator_along_a_dim_is_held_to_the_contract()
    {
        PropertyInfo its = typeof(OperatorContract).GetProperty("Operator", BindingFlags.Instance | BindingFlags.NonPublic)!;
        var held = typeof(OperatorContract).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(OperatorContract))).Select(type => its.GetValue(Activator.CreateInstance(type)));
        var free = SoftmaxOperator.All.Except(held.Cast<SoftmaxOperator>());
        Assert.True(!free.Any(), $"A class of OperatorContract is due for {string.Join(", ", free)}.");
    }
}
